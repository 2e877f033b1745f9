"""What is known of everything and what is missing; plan, status, explain, what-if."""
