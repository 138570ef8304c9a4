#!/bin/sh
# Install the programs that tests/dicom_tools needs, from the packages of Debian or Ubuntu: DCMTK (storescu, dcmdump ...),
# the validator dciodvfy, and the archive Orthanc. Without them those tests are skipped by name.
set -eu

as_root=""
if [ "$(id -u)" -ne 0 ]; then
    as_root="sudo"
fi
$as_root apt-get update
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends dcmtk dicom3tools orthanc
# Orthanc's package starts the archive as a service; the tests start one of their own
if [ -x /etc/init.d/orthanc ]; then
    $as_root /etc/init.d/orthanc stop || true
fi
