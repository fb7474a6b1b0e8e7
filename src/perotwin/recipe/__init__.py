"""How a cell was made: molecules, the monolayer's coverage, the drying film, and what they make of a stack."""
