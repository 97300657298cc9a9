-- A question for all that somebody wrote is kept until it is answered: whoever was asked may have gone back in time, and forgotten it.

ALTER TABLE conversations ADD COLUMN asked_from INTEGER;                 -- first seq that the other was asked for, and has not said that it was all
