-- A batch of a gateway that has lost one of its sessions ends at once, before it locks what the new owner writes.

CREATE FUNCTION require_all(a_found bigint, a_wanted integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF a_found < a_wanted THEN
        RAISE EXCEPTION 'a session has a later owner: the batch is done again without it' USING ERRCODE = 'SL001';
    END IF;
END
$$;
COMMENT ON FUNCTION require_all IS 'Ends the transaction of a journal lane that does not own all the sessions it is about to write; SQLSTATE SL001.';
