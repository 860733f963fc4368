"""The API of the practical: the ages of the students, as JSON, behind basic authentication.

    GET /pozos/api/v1.0/get_student_ages           {"student_ages": {"alice": "12", ...}}
    GET /pozos/api/v1.0/get_student_ages/<name>    {"student_age": "12"}

The data is a JSON file, read again for each request: change the file and the next answer shows it.
Every Python since 2.7 and every Flask since 0.12 runs it: an image may pin what it likes.
"""

import hmac
import io
import json
import os
import signal
import sys

from flask import Flask, jsonify
from flask_httpauth import HTTPBasicAuth
from werkzeug.exceptions import HTTPException

DATA = os.environ.get("STUDENT_AGE_FILE", "/data/student_age.json")
ROUTE = "/api/v1.0/get_student_ages"
ACCOUNTS = {"toto": "python"}

app = Flask(__name__)
if hasattr(app, "json"):
    app.json.sort_keys = False  # the order of the file
else:  # before Flask 2.2
    app.config["JSON_SORT_KEYS"] = False
auth = HTTPBasicAuth()


class DataError(Exception):
    """The data file is missing or is not what it should be."""


def read_ages():
    """What the file says now: a dictionary, name to age."""
    try:
        with io.open(DATA, encoding="utf-8") as file:
            ages = json.load(file)
    except IOError as error:
        raise DataError("cannot read {}: {}".format(DATA, error.strerror))
    except ValueError as error:
        raise DataError("{} is not valid JSON: {}".format(DATA, error))
    if not isinstance(ages, dict):
        raise DataError("{} must hold a JSON object, name to age".format(DATA))
    return ages


@auth.verify_password
def known(username, password):
    expected = ACCOUNTS.get(username)
    if expected is not None and hmac.compare_digest(expected.encode(), password.encode()):
        return username
    return None


@auth.error_handler
def refused(status=401):
    return jsonify(error="Unauthorized access"), status


@app.errorhandler(DataError)
def broken_data(error):
    return jsonify(error=str(error)), 500


@app.errorhandler(HTTPException)
def http_error(error):
    """Every error is JSON: 404, 405, and a 500 that nobody thought of."""
    return jsonify(error=error.description), error.code


@app.route(ROUTE)
@auth.login_required
def get_student_ages():
    return jsonify(student_ages=read_ages())


@app.route(ROUTE + "/<name>")
@auth.login_required
def get_student_age(name):
    ages = read_ages()
    if name not in ages:
        return jsonify(error=u"No student is called {}".format(name)), 404
    return jsonify(student_age=ages[name])


def stop(_signal, _frame):
    """Process 1 of a container ignores SIGTERM unless it says otherwise: `docker stop` sends it."""
    sys.exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    app.run(host="0.0.0.0", port=5000, threaded=True)
