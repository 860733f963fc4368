FROM python:3.12-slim
WORKDIR /app
COPY simple_api/ .
RUN pip install -r requirements.txt
VOLUME /data
EXPOSE 5000
CMD ["python", "student_age.py"]
