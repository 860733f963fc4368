import os, sys, tempfile
with open(os.path.join(tempfile.gettempdir(), "labkit-canary"), "a") as file:
    print(__file__, sys.argv, file=file)
