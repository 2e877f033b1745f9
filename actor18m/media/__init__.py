"""Video files as frames, their content as hashes and signatures: what the stages read of a file."""
