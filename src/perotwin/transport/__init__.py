"""Where carriers and ions go: meshes, equations, compiled kernels, steady states, time, small signals, their checks.

`build` makes a cell ready; `steady.Solver` finds its steady states, `transient.Engine` runs schedules on it,
`small_signal.Linearised` linearises it. All three take any cell: to them it is a circuit of junctions.
"""
