"""How the report says and shows things: numbers, words, colours, drawings."""
