"""What is typed: one module per verb."""

import gc

# A program's own modules stay, and looking through them again and again for what might go is a
# twentieth of what a short command costs.
gc.set_threshold(50_000)
