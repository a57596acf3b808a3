"""The guided tour: a script of chapters, and the guide who tells them and presses the keys on the real screen.

Nothing in it is staged: the run is made by the embedded model while the person watches, and every key does what it
always does. Whoever presses a key takes over; the guide then only tells.
"""
