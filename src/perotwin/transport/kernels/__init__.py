"""Compiled functions, from the rates at a site to the states of a circuit of junctions.

`statistics`, `flux`, `recombination`, `faces` and `contacts` hold the physics, each rate once with its slopes;
`assemble` puts them into a junction's equations, `elimination` solves these. `response` and `linearise` say what a
junction follows from, `circuit` joins junctions. `equilibrium` and `newton` find steady states, `observe` reads them;
`blocks`, `implicit_step` and `small_signal` are for ions in motion, in time and at any frequency. `views` cuts one junction out of the
arrays of several.
"""
