# crmlift with Airflow, from the hashed lock (the checkout's own, with Postgres and Celery). Build: docker compose build
FROM python:3.11-slim-bookworm AS build
WORKDIR /opt/crmlift
COPY requirements-deploy.lock ./
RUN python -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir --require-hashes --no-deps -r requirements-deploy.lock

FROM python:3.11-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    AIRFLOW_HOME=/var/lib/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/crmlift/dags \
    AIRFLOW__CORE__LOAD_EXAMPLES=false \
    CRMLIFT_HOME=/var/lib/crmlift \
    CRMLIFT_CONFIG=/etc/crmlift/crmlift.yml
COPY --from=build /opt/venv /opt/venv
WORKDIR /opt/crmlift
COPY . .
RUN pip install --no-cache-dir --no-deps --no-build-isolation -e . \
 && useradd --create-home --uid 50000 airflow \
 && install -d -o airflow -g airflow /var/lib/airflow /var/lib/crmlift
USER 50000
ENTRYPOINT ["airflow"]
CMD ["--help"]
