"""Compiled functions, from the rates at a site to the states of a circuit of junctions.

`statistics`, `flux`, `recombination`, `faces` and `contacts` hold the physics, each rate once with its slopes;
`assemble` puts them into the equations of all junctions, `elimination` solves those of one. `right_hand_sides` and
`linearise` say what a junction follows from, `circuit` joins junctions. `equilibrium` and `newton` find steady states,
`observe` reads them. `in_motion` and `blocks` are for ions that move, `implicit_step` in time, `small_signal` at any
rate. `rows` says how a state lies in a row of numbers.
"""
