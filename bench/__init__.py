"""What the site costs: CPU, logins a second and memory, measured from outside on one machine.

`python -m bench` runs the server as `make run` does, on loopback, over throw-away databases.
"""
