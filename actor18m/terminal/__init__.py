"""What people see in a terminal while something goes on."""
