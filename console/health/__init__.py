"""What `wattrig doctor` looks at; each check yields lines that say what is found and how to mend it."""
