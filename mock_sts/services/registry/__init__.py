"""Who there is: people, what is made at run time, checks of a world before it is loaded, and its preparation."""
