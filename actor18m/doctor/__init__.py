"""What a build needs of this machine, looked at before it starts."""
