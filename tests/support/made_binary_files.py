# ruff: noqa: E501 - lines of files are as long as the programs write them
"""Small binary files in the layouts of instruments, written by the makers' libraries where there are any: what stands in
tests/data/formats beside the text files of `made_files`.

    python tests/support/made_binary_files.py        writes them again
"""

from __future__ import annotations

import io
import struct
import zipfile

import numpy as np

import made_files as made


def gwy(title="Height", unit="m", values=None, extra=True):
    """Gwyddion 2, by gwyfile."""
    from gwyfile.objects import GwyContainer, GwyDataField

    values = made.HEIGHTS if values is None else values
    held = GwyContainer()
    held["/0/data"] = GwyDataField(values, xreal=2e-6, yreal=1e-6, si_unit_xy="m", si_unit_z=unit)
    held["/0/data/title"] = title
    if extra:
        held["/1/data"] = GwyDataField(values * 2e10, xreal=2e-6, yreal=1e-6, si_unit_xy="m", si_unit_z="deg")
        held["/1/data/title"] = "Phase"
    file = io.BytesIO()
    held.write_file(file) if hasattr(held, "write_file") else file.write(b"GWYP" + held.serialize())
    return file.getvalue()


def component(name, letter, value):
    """A named component of an object in a .gwy file."""
    body = {
        "i": lambda: struct.pack("<i", value),
        "d": lambda: struct.pack("<d", value),
        "s": lambda: value.encode() + b"\0",
        "b": lambda: bytes([value]),
        "D": lambda: struct.pack("<I", np.size(value)) + np.asarray(value, "<f8").tobytes(),
        "o": lambda: value,
    }[letter]()
    return name.encode() + b"\0" + letter.encode() + body


def thing(kind, *parts):
    """An object of a .gwy file."""
    body = b"".join(parts)
    return kind.encode() + b"\0" + struct.pack("<I", len(body)) + body


def gwyo(values=None, unit="m", title="Topography", size=(2e-6, 1e-6)):
    """Gwyddion 1: in its container the number of GLib's type stands before each name."""
    values = made.HEIGHTS if values is None else values
    rows, columns = values.shape
    units = [component(f"si_unit_{axis}", "o", thing("GwySIUnit", component("unitstr", "s", one))) for axis, one in (("xy", "m"), ("z", unit)) if unit is not None]  # fmt: skip
    field = thing(
        "GwyDataField",
        component("xres", "i", columns),
        component("yres", "i", rows),
        component("xreal", "d", size[0]),
        component("yreal", "d", size[1]),
        *units,
        component("data", "D", values.ravel()),
    )
    items = [
        (24, "/0/count", struct.pack("<i", 3)),
        (20, "/0/mask/shown", b"\1"),
        (60, "/0/base/min", struct.pack("<d", 0.5)),
        (64, "/0/data/title", title.encode() + b"\0"),
        (80, "/0/data", field),
    ]
    body = b"".join(
        struct.pack("<I", number) + name.encode() + b"\0" + value for number, name, value in items
    )
    return b"GWYO" + b"GwyContainer\0" + struct.pack("<I", len(body)) + body


def gsf(values=None, lines=(), unit="m", lateral="m", size=(2e-6, 1e-6)):
    values = made.HEIGHTS if values is None else values
    rows, columns = values.shape
    head = [f"XRes = {columns}", f"YRes = {rows}", f"XReal = {size[0]!r}", f"YReal = {size[1]!r}", f"XYUnits = {lateral}", f"ZUnits = {unit}", "Title = Topography", *lines]  # fmt: skip
    text = ("Gwyddion Simple Field 1.0\n" + "\n".join(head) + "\n").encode()
    return text + b"\0" * (4 - len(text) % 4) + np.asarray(values, "<f4").tobytes()


def nid(
    values=None,
    bits=16,
    low=-2e-8,
    span=6e-8,
    unit="m",
    frames=("Scan forward", "Scan backward"),
    order="Intel",
):
    """Nanosurf: counts of `bits`, signed, over a range."""
    values = made.HEIGHTS if values is None else values
    rows, columns = values.shape
    counts = np.round((values - low) / span * 2.0**bits - 2.0 ** (bits - 1))
    text = "[DataSet]\r\nVersion=2\r\nGroupCount=2\r\nDataSetCount=2\r\n"
    text += "".join(
        f"Gr{at}-Name={frame}\r\nGr{at}-Count=1\r\nGr{at}-Ch1=DataSet-{at}:1\r\n"
        for at, frame in enumerate(frames)
    )
    text += "\r\n[DataSet-Info]\r\n-- Scan --=\r\nImage size=2µm\r\n\r\n"
    for at, frame in enumerate(frames):
        text += f"[DataSet-{at}:1]\r\nVersion=2\r\nPoints={columns}\r\nLines={rows}\r\nFrame={frame}\r\n"
        text += "Dim0Name=X*\r\nDim0Unit=m\r\nDim0Range=2e-06\r\nDim0Min=0\r\nDim1Name=Y*\r\nDim1Unit=m\r\nDim1Range=1e-06\r\nDim1Min=0\r\n"
        text += f"Dim2Name=Z-Axis\r\nDim2Unit={unit}\r\nDim2Range={span!r}\r\nDim2Min={low!r}\r\nSaveMode=Binary\r\nSaveBits={bits}\r\nSaveSign=Signed\r\nSaveOrder={order}\r\n\r\n"
    kind = f"{'<' if order == 'Intel' else '>'}i{bits // 8}"
    return (
        text.encode("cp1252") + b"#!" + counts.astype(kind).tobytes() + (-counts - 1).astype(kind).tobytes()
    )


SHADES = (80 + 100 * (np.add.outer(np.arange(48) // 8, np.arange(64) // 8) % 2)).astype(np.uint8)


def tif(maker="zeiss"):
    """An image of 64 x 48 pixels, 2.5 nm each, by Pillow."""
    from PIL import Image, TiffImagePlugin

    tags = TiffImagePlugin.ImageFileDirectory_v2()
    if maker == "zeiss":
        text = (
            "0\r\n2.500000e-09\r\nDP_DETECTOR_CHANNEL\r\nSignal A = InLens\r\nAP_MAG\r\nMag =   40.00 K X\r\n"
        )
        text += "AP_IMAGE_PIXEL_SIZE\r\nImage Pixel Size = 2.500 nm\r\nAP_ACTUALKV\r\nEHT =  3.00 kV\r\n"
        tags[34118] = text
        tags.tagtype[34118] = 2
    elif maker == "fei":
        text = "[User]\r\nDate=01/02/2026\r\n[Scan]\r\nPixelWidth=2.5e-09\r\nPixelHeight=2.5e-09\r\n[PrivateFei]\r\nDatabarHeight=8\r\n"
        tags[34682] = text
        tags.tagtype[34682] = 2
    elif maker == "tescan":
        tags[50431] = (
            b"\x01\x00\x02" + b"[MAIN]\r\nDevice=MIRA3\r\nPixelSizeX=2.5e-09\r\nPixelSizeY=2.5e-09\r\n"
        )
        tags.tagtype[50431] = 7
    image = Image.fromarray(SHADES)
    if maker == "zeiss":
        image = image.convert("P")
        image.putpalette([one for shade in range(256) for one in (shade,) * 3])
        image.putdata(list(map(int, SHADES.ravel())))
    file = io.BytesIO()
    image.save(file, "TIFF", tiffinfo=tags)
    return file.getvalue()


def rasx(attenuated=False, axis="TwoTheta", scans=1):
    factors = made.FACTORS if attenuated else np.ones(made.COUNTS.size)
    conditions = f"""<?xml version="1.0" encoding="utf-8"?>
<MeasurementConditions><GeneralInformation><SampleName>made</SampleName></GeneralInformation>
<HWConfigurations><Categories><Category Name="Detector" SelectedUnit="D" /></Categories><Optics /><Distances />
<XrayGenerator><TargetName>Cu</TargetName><WavelengthKalpha1>1.540593</WavelengthKalpha1><WavelengthKalpha2>1.544414</WavelengthKalpha2></XrayGenerator>
</HWConfigurations><ScanInformation><AxisName>{axis}</AxisName><PositionUnit>deg</PositionUnit><DataCount>{made.ANGLES.size}</DataCount></ScanInformation>
<RASHeader /><Axes /></MeasurementConditions>"""
    profile = "\ufeff" + "".join(
        f"{a:.4f}\t{c / f:.4f}\t{f:g}\r\n" for a, c, f in zip(made.ANGLES, made.COUNTS, factors, strict=True)
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for at in range(scans):
            archive.writestr(f"Data{at}/Profile0.txt", profile)
            archive.writestr(f"Data{at}/MesurementConditions0.xml", conditions)
        archive.writestr("root.xml", "<Root />")
    return file.getvalue()


def brml(scans=1):
    data = "".join(
        f"<Datum>1,1,{a:.4f},{a / 2:.4f},{c:.0f}</Datum>"
        for a, c in zip(made.ANGLES, made.COUNTS, strict=True)
    )
    axis = """<ScanAxisInfo AxisName="{name}" AxisId="{name}"><Unit Base="Degree" /><Reference>0</Reference><Start>{start}</Start><Stop>{stop}</Stop><Increment>{step}</Increment></ScanAxisInfo>"""
    first, last = float(made.ANGLES[0]), float(made.ANGLES[-1])
    axes = axis.format(name="TwoTheta", start=first, stop=last, step=0.05) + axis.format(
        name="Theta", start=first / 2, stop=last / 2, step=0.025
    )
    raw = f"""<?xml version="1.0" encoding="utf-8"?>
<RawData xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><FixedInformation><Instrument><PrimaryTracks><TrackInfoData><MountedOptics>
<InfoData xsi:type="TubeMountInfoData"><Tube><TubeMaterial>Cu</TubeMaterial><WaveLengthAlpha1 Value="1.5406" Unit="Å" /><WaveLengthAlpha2 Value="1.54439" Unit="Å" /><WaveLengthRatio Value="0.5" Unit="" /></Tube></InfoData>
<InfoData xsi:type="SlitInfoData" />
</MountedOptics></TrackInfoData></PrimaryTracks></Instrument>
<Drives><InfoData LogicName="Phi"><Position Value="0" Unit="Degree" /></InfoData></Drives></FixedInformation>
<DataRoutes><DataRoute><ScanInformation ScanName="Coupled TwoTheta/Theta"><TimePerStep>1</TimePerStep><TimePerStepEffective>1</TimePerStepEffective><ScanMode>Continuous</ScanMode>
<MeasurementPoints>{made.ANGLES.size}</MeasurementPoints><ScanAxes>{axes}</ScanAxes></ScanInformation>
<DataViews><RawDataView xsi:type="FixedRawDataView" Start="0" Length="1" LogicName="PlannedTime" /><RawDataView xsi:type="RecordedRawDataView" Start="4" Length="1"><Recording LogicName="ScanCounter" /></RawDataView></DataViews>
{data}</DataRoute></DataRoutes></RawData>"""
    listed = "".join(f"<string>Experiment0/RawData{at}.xml</string>" for at in range(scans))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Experiment0/DataContainer.xml", f"<DataContainer><RawDataReferenceList>{listed}</RawDataReferenceList></DataContainer>")  # fmt: skip
        for at in range(scans):
            archive.writestr(f"Experiment0/RawData{at}.xml", raw)
    return file.getvalue()


def ptu():
    """A tenth of the photons of one channel, 100 ps a bin, 40 ns a period, by ptufile."""
    import ptufile

    file = io.BytesIO()
    counts = (made.PHOTONS // 10).astype(np.uint16).reshape(1, 1, 1, 1, -1)
    with ptufile.PtuWriter(file, counts.shape, 40e-9, 100e-12, 10e-3) as writer:
        writer.write(counts)
    return file.getvalue()


def sdt():
    """A decay in one block, with the records that sdtfile describes."""
    from sdtfile import sdtfile as library

    info = b"*IDENTIFICATION\r\n  ID        : SPC Setup & Data File\r\n  Title     : made\r\n*END\r\n"
    header = np.zeros(1, library.FILE_HEADER)
    header_size = header.dtype.itemsize
    measured = np.zeros(1, library.record_dtype(library.MEASURE_INFO, 512))
    counts = made.PHOTONS.astype("<u2")
    measured["adc_re"], measured["tac_r"], measured["tac_g"] = counts.size, DELAY_SPAN, 1
    block = np.zeros(1, library.BLOCK_HEADER)
    place = header_size + len(info)
    header["revision"], header["info_offs"], header["info_length"] = 0x28F, header_size, len(info)
    header["meas_desc_block_offs"], header["no_of_meas_desc_blocks"], header["meas_desc_block_length"] = place, 1, measured.dtype.itemsize  # fmt: skip
    at = place + measured.dtype.itemsize
    header["data_block_offs"], header["no_of_data_blocks"], header["data_block_length"] = at, 1, counts.nbytes
    header["header_valid"], header["chksum"] = 0x5555, 0x55AA
    block["data_offs"], block["next_block_offs"] = (
        at + block.dtype.itemsize,
        at + block.dtype.itemsize + counts.nbytes,
    )
    block["block_type"], block["block_length"] = 0x0001, counts.nbytes
    return header.tobytes() + info + measured.tobytes() + block.tobytes() + counts.tobytes()


#: s: what the bins of the decay come to
DELAY_SPAN = 4e-8


def files():
    """Names and contents."""
    yield "afm_gwyddion_2.gwy", gwy()
    yield "afm_gwyddion_1.gwy", gwyo()
    yield "afm_simple_field.gsf", gsf()
    yield "afm_nanosurf.nid", nid()
    yield "sem_zeiss.tif", tif("zeiss")
    yield "sem_fei.tif", tif("fei")
    yield "sem_tescan.tif", tif("tescan")
    yield "xrd_rigaku.rasx", rasx()
    yield "xrd_bruker.brml", brml()
    yield "trpl.ptu", ptu()
    yield "trpl.sdt", sdt()


if __name__ == "__main__":
    for name, content in files():
        (made.FOLDER / name).write_bytes(content)
