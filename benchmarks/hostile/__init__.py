"""Does a hostile submission reach anything? Each kind on a real lab, with canaries around it.

`kinds` lists what is submitted and which check must not be earned by it, `watch` what must not be
touched: files and ports of this computer, and the machines outside of a student's own folders.
"""
