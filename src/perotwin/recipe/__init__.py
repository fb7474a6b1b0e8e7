"""How the cell was made: molecules on the oxide, what the drying film leaves where, and what that passivates."""
