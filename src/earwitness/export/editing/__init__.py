"""Files for video and sound editors: timecodes, markers, regions."""
