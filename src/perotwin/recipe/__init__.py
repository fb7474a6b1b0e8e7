"""How it was made: the steps of a recipe, and what they leave on the oxide and in the film."""
