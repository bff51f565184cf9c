"""Tools: which one a question calls for, with which arguments, and what is made of its results."""
