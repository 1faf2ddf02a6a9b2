# syntax=docker/dockerfile:1
# The service and nothing else: no notebooks, no training library, no plotting. `make image` builds it.
# BASE may name a digest; BUNDLE=baked copies models/champion into the image, mounted expects it at /models/champion.
# LOCK=requirements-serve-features.lock adds Feast, and BUNDLE=entities bakes in the model of customers and terminals with
# the registry of its feature store: `make image FEATURES=1`.
# BUILD_BASE is where packages are installed and the kernel is compiled: the same Python, with a C compiler. Without one the
# service scores by NumPy, to the same bits.
ARG BASE=docker.io/library/python:3.11-slim-bookworm
ARG BUILD_BASE=docker.io/library/python:3.11-bookworm
ARG BUNDLE=mounted

FROM ${BUILD_BASE} AS build
ARG LOCK=requirements-serve.lock
COPY ${LOCK} /build/requirements.lock
# The secret is a pip.conf for those who install from an index of their own; it never enters a layer.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf,required=false \
    python3 -m venv /opt/venv \
    && /opt/venv/bin/python -m pip install --no-cache-dir --no-compile --require-hashes -r /build/requirements.lock \
    # Litestar asks for the first two and loads them for its test factories alone; Feast asks for mypy and never loads it.
    && /opt/venv/bin/python -m pip uninstall --yes --quiet faker polyfactory mypy \
    && /opt/venv/bin/python -m pip uninstall --yes --quiet pip setuptools \
    && find /opt/venv -type d \( -name tests -o -name testing -o -name f2py -o -name __pycache__ \) -prune -exec rm -rf {} + \
    && rm -rf /opt/venv/lib/python3*/site-packages/feast/ui /opt/venv/lib/python3*/site-packages/pyarrow/include \
    && find /opt/venv -name '*.map' -delete
COPY fraud_core/__init__.py fraud_core/errors.py /opt/app/fraud_core/
COPY fraud_core/bundle /opt/app/fraud_core/bundle
COPY fraud_core/scoring /opt/app/fraud_core/scoring
COPY fraud_core/policy/__init__.py fraud_core/policy/actions.py /opt/app/fraud_core/policy/
COPY fraud_core/features/__init__.py fraud_core/features/history.py fraud_core/features/store_rows.py \
    fraud_core/features/windows.py /opt/app/fraud_core/features/
COPY fraud_core/drift/__init__.py /opt/app/fraud_core/drift/
COPY fraud_core/drift/monitoring /opt/app/fraud_core/drift/monitoring
COPY fraud_core/drift/two_sample/__init__.py fraud_core/drift/two_sample/binned.py /opt/app/fraud_core/drift/two_sample/
COPY fraud_core/explain/__init__.py fraud_core/explain/reasons.py fraud_core/explain/reason_writer.py /opt/app/fraud_core/explain/
COPY serve /opt/app/serve
WORKDIR /opt/app
RUN /opt/venv/bin/python -m serve.scoring.compiled_scorer \
    && /opt/venv/bin/python -m compileall -q -j 0 /opt/venv/lib /opt/app \
    && mkdir -p /models/champion /state

FROM ${BASE} AS mounted
COPY --from=build --chown=10001:10001 /models /models

FROM ${BASE} AS baked
COPY models/champion /models/champion

# Feast's configuration names its registry by a path from its own folder, so both lie as they do in the project.
FROM ${BASE} AS entities
COPY models/entities /models/entities
COPY feature_repo/redis.yaml /opt/app/feature_repo/redis.yaml
COPY data/store/registry-redis.db /opt/app/data/store/registry-redis.db

FROM ${BUNDLE} AS service
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/app /opt/app
COPY --from=build --chown=10001:10001 /state /state
ENV PATH=/opt/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PYTHONUTF8=1 \
    FRAUD_HOST=0.0.0.0 FRAUD_PORT=8000 FRAUD_MODEL_DIR=/models/champion FRAUD_STATE_DIR=/state
WORKDIR /opt/app
USER 10001:10001
EXPOSE 8000
VOLUME ["/state"]
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["python", "-m", "serve.healthcheck"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-m", "serve"]
