"""A DICOM node: receives radiographs, answers them, and sends the results on; a queue on disk loses nothing.

``node`` puts it together; ``spool`` is the queue, ``receiving``, ``answering`` and ``sending`` its three users.
"""
