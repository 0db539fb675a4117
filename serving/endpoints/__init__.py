"""One file for each kind of question that a server is asked over HTTP."""
