# JupyterLab for docker-compose.yml's service `study`: the locked Python packages, Java and Kafka's jars.
# (Binder does not use this file: it has .binder/.)

# The official image for every processor, by its digest. Another Debian with Python 3.11 or newer and
# its venv will do as well: docker compose build --build-arg BASE=…
ARG BASE=python:3.13.15-slim-trixie@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b
FROM ${BASE}

RUN useradd --create-home learner && install -d -o learner /srv/kafka-labs /srv/kafka-labs/work
WORKDIR /srv/kafka-labs
USER learner
ENV PATH=/srv/kafka-labs/.venv/bin:$PATH \
    LABS_HOME=/home/learner/kafka-labs

# What changes least comes first, so that a new notebook does not fetch every package again.
COPY locks locks
RUN python3 -m venv .venv \
    && pip install -q --no-cache-dir --disable-pip-version-check --no-deps --require-hashes -r locks/study.txt
COPY pyproject.toml README.md LICENSE ./
COPY --chown=learner labs labs
RUN pip install -q --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation -e . \
    && labs setup && rm -rf "$LABS_HOME"
COPY --chown=learner notebooks notebooks

# It begins as root only to join the group of the engine's socket, whose number differs from machine to
# machine; JupyterLab, and whatever you run in it, is the ordinary user `learner`.
USER root
EXPOSE 8888
ENTRYPOINT ["sh", "labs/app/as-learner"]
CMD ["labs", "study", "--no-browser", "--ip", "0.0.0.0"]
