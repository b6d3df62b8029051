"""One function per thing an operator can do; takes ports, returns results, knows no terminal and no web."""
