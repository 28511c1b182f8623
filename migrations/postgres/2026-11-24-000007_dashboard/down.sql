DROP TABLE recovery_codes;
DROP TABLE second_factors;
DROP TABLE known_browsers;
DROP TABLE sign_in_tries;
DROP TABLE sent_forms;
DROP TABLE sessions;
