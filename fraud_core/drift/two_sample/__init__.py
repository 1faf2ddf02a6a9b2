"""Two-sample statistics of a reference and a current window, for one feature and for all."""
