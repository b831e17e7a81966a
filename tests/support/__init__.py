"""What tests are made with: drivers, processes, records and the shared servers. No test is here."""
