"""The contract of the application: where it is asked, by whom, and by which names.

Facts of the practical, which its texts give to the students.
"""

from __future__ import annotations

API_PATH = "/pozos/api/v1.0/get_student_ages"
API_PORT = 5000
DATA_FILE = "/data/student_age.json"
CREDENTIALS = ("toto", "python")  # of the API: user, password
HTTP_PORT = 80  # on which Apache listens in every php:*apache image
BACKEND = "my-backend"  # of HAProxy, as it is asked for
