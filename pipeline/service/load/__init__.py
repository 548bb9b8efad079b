"""The service under load: as many clients as the requirement names, on this machine, with wrk."""
