"""One small file a format; each declares its own as FORMATS (see `perotwin.files.registry`)."""
