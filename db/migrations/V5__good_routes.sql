-- The last set of stored routes that a gateway found right, so that one which starts while the set is wrong has more than its file.

ALTER TABLE route_set
    ADD COLUMN good jsonb CHECK (jsonb_typeof(good) = 'object'),
    ADD COLUMN good_version bigint,
    ADD CHECK ((good IS NULL) = (good_version IS NULL));
COMMENT ON COLUMN route_set.good IS 'The last set that a gateway put in force: what route.spec was, by route.name. Null before the first.';
COMMENT ON COLUMN route_set.good_version IS 'The version that set had.';
