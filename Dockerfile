# syntax=docker/dockerfile:1
# The image of a cluster (docs/installing.md): every library that the profile `cluster` wants, and no weights.
#   docker build -t registry/actor18m:latest .
# Give the base by digest where you must build the same twice: --build-arg BASE=python:3.11.14-slim-bookworm@sha256:…
ARG BASE=python:3.11.14-slim-bookworm

FROM ${BASE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/actor18m
ENV PATH=/opt/actor18m/bin:$PATH
WORKDIR /src
RUN pip install "pip==26.3"
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY actor18m actor18m
COPY stages stages
COPY manifests manifests
COPY pipelines pipelines
RUN pip install -c constraints.txt ".[embedded,cluster,gcs,readers,s3]"
# First what would bring another variant of OpenCV into the core's folder, with nothing that it requires. Then what is for
# GPUs in the place of what is for CPUs: onnxruntime shares a folder with its other, torchcodec has NVDEC from 0.14 on.
RUN pip install -c constraints.txt --no-deps mediapipe \
    && pip uninstall -y onnxruntime \
    && pip install -c constraints.txt --no-deps onnxruntime-gpu \
    && pip install --no-deps "torchcodec==0.16.0"

FROM ${BASE}
# FFmpeg's libraries are torchcodec's; EGL and OpenGL ES are mediapipe's, which loads them even to compute on a CPU; wget
# is what KubeRay asks with whether a node is well. Debian keeps no older version of a package, so none is pinned.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ffmpeg libegl1 libgl1 libgles2 libgl1-mesa-dri wget \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 --user-group actor18m \
    && install -d -o actor18m -g actor18m /work
COPY --from=build /opt/actor18m /opt/actor18m
# `video` has the container toolkit bring the driver's NVDEC (libnvcuvid) in.
ENV PATH=/opt/actor18m/bin:$PATH \
    ACTOR18M_MODELS=/models \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility,video
USER 1000:1000
WORKDIR /work
CMD ["actor18m", "doctor", "--pipeline", "cluster"]
