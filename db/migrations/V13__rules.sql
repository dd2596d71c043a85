-- Rules of who may publish, subscribe and receive what. As with routes, every change counts, whoever makes it.

CREATE TABLE access_rule_set (
    one          boolean PRIMARY KEY DEFAULT true CHECK (one),
    version      bigint  NOT NULL,
    changed_in   xid8,
    good         jsonb   CHECK (jsonb_typeof(good) = 'object'),
    good_version bigint,
    CHECK ((good IS NULL) = (good_version IS NULL))
);
COMMENT ON TABLE access_rule_set IS 'One row: what is true of all stored rules together. Whoever changes rules holds its lock.';
COMMENT ON COLUMN access_rule_set.one IS 'Keeps it at one row.';
COMMENT ON COLUMN access_rule_set.version IS 'Goes up by one with each transaction that changes rules.';
COMMENT ON COLUMN access_rule_set.changed_in IS 'The transaction that raised the version last.';
COMMENT ON COLUMN access_rule_set.good IS 'The last set that a gateway put in force: rules by name. Null before the first.';
COMMENT ON COLUMN access_rule_set.good_version IS 'The version that set had.';
INSERT INTO access_rule_set (version) VALUES (0);

CREATE TABLE access_rule (
    name       text        COLLATE "C" PRIMARY KEY CHECK (name ~ '^[A-Za-z0-9_-]{1,255}$'),
    subject    text        NOT NULL,
    effect     text        NOT NULL CHECK (effect IN ('allow', 'deny')),
    actions    text        NOT NULL CHECK (actions ~ '^(publish|subscribe|receive)(,(publish|subscribe|receive))*$'),
    filter     text        NOT NULL,
    qos        smallint    CHECK (qos BETWEEN 0 AND 2),
    retain     boolean,
    priority   integer     NOT NULL DEFAULT 0 CHECK (priority BETWEEN -1000000 AND 1000000),
    version    bigint      NOT NULL,
    updated_at timestamptz NOT NULL,
    updated_by text        NOT NULL
);
COMMENT ON TABLE access_rule IS 'Rules besides those of the rules file, whose namesakes they replace. May be written by hand: version and updated_* are set by a trigger.';
COMMENT ON COLUMN access_rule.name IS 'Name of the rule: letters, digits, - and _.';
COMMENT ON COLUMN access_rule.subject IS 'all, anonymous, user:<name>, group:<name>, client:<client id> or claim:<name>=<value>.';
COMMENT ON COLUMN access_rule.effect IS 'allow or deny.';
COMMENT ON COLUMN access_rule.actions IS 'publish, subscribe and receive, or some of them, with commas between.';
COMMENT ON COLUMN access_rule.filter IS 'Topic Filter, in which {clientId}, {username} or {claim.<name>} may stand.';
COMMENT ON COLUMN access_rule.qos IS 'The highest that is allowed to publish or subscribe with; null for 2.';
COMMENT ON COLUMN access_rule.retain IS 'Whether what is published may be retained; null for true.';
COMMENT ON COLUMN access_rule.priority IS 'Rules with a higher one stand above others.';
COMMENT ON COLUMN access_rule.version IS 'Version of the set that the last change of this rule made; set by a trigger.';
COMMENT ON COLUMN access_rule.updated_at IS 'When that was; set by a trigger.';
COMMENT ON COLUMN access_rule.updated_by IS 'Who did it: the actor that a gateway was told, else the database user; set by a trigger.';

CREATE FUNCTION access_rule_json(r access_rule) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object(
        'subject', r.subject, 'effect', r.effect, 'actions', to_jsonb(string_to_array(r.actions, ',')), 'filter', r.filter,
        'qos', r.qos, 'retain', r.retain, 'priority', r.priority))
$$;
COMMENT ON FUNCTION access_rule_json IS 'A rule as the rules file and the admin API have it.';

-- Before the first row, so that two who change rules wait for each other in one place, and never in a circle.
CREATE FUNCTION access_rule_lock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM access_rule_set FOR UPDATE;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION access_rule_lock IS 'Makes those who change rules take turns.';

CREATE FUNCTION access_rule_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    raised bigint;
BEGIN
    UPDATE access_rule_set SET version = version + 1, changed_in = pg_current_xact_id()
     WHERE changed_in IS DISTINCT FROM pg_current_xact_id();
    SELECT version INTO raised FROM access_rule_set;
    -- Once for each transaction: PostgreSQL folds notifications that are the same.
    PERFORM pg_notify('sluice_rules', raised::text);
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    NEW.version := raised;
    NEW.updated_at := now();
    NEW.updated_by := audit_actor();
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION access_rule_change IS 'Gives a changed rule its version, and tells the gateways.';

CREATE FUNCTION access_rule_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND (TG_OP = 'DELETE' OR NEW.name <> OLD.name) THEN
        INSERT INTO audit (actor, action, object, before)
        VALUES (audit_actor(), 'delete', 'rule/' || OLD.name, access_rule_json(OLD));
    END IF;
    IF TG_OP <> 'DELETE' AND (TG_OP = 'INSERT' OR NEW.name <> OLD.name) THEN
        INSERT INTO audit (actor, action, object, after)
        VALUES (audit_actor(), 'create', 'rule/' || NEW.name, access_rule_json(NEW));
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO audit (actor, action, object, before, after)
        VALUES (audit_actor(), 'change', 'rule/' || NEW.name, access_rule_json(OLD), access_rule_json(NEW));
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION access_rule_audit IS 'Keeps the account of changed rules.';

CREATE FUNCTION access_rule_no_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'TRUNCATE would leave no account of the rules: use DELETE FROM access_rule';
END
$$;
COMMENT ON FUNCTION access_rule_no_truncate IS 'Refuses what no row trigger sees.';

CREATE TRIGGER access_rule_lock BEFORE INSERT OR UPDATE OR DELETE ON access_rule FOR EACH STATEMENT EXECUTE FUNCTION access_rule_lock();
CREATE TRIGGER access_rule_change BEFORE INSERT OR UPDATE OR DELETE ON access_rule FOR EACH ROW EXECUTE FUNCTION access_rule_change();
CREATE TRIGGER access_rule_audit AFTER INSERT OR UPDATE OR DELETE ON access_rule FOR EACH ROW EXECUTE FUNCTION access_rule_audit();
CREATE TRIGGER access_rule_no_truncate BEFORE TRUNCATE ON access_rule FOR EACH STATEMENT EXECUTE FUNCTION access_rule_no_truncate();

CREATE VIEW v_access_rule AS
SELECT r.name, r.priority, r.subject, r.effect, r.actions, r.filter, r.qos, r.retain, r.version, r.updated_at, r.updated_by
  FROM access_rule r
 -- Keeps the view read-only: a view with OFFSET is not updatable.
OFFSET 0;
COMMENT ON VIEW v_access_rule IS 'Stored rules for operators; those of the rules file are not in PostgreSQL. Read-only.';
COMMENT ON COLUMN v_access_rule.name IS 'Name of the rule.';
COMMENT ON COLUMN v_access_rule.priority IS 'Rules with a higher one stand above others.';
COMMENT ON COLUMN v_access_rule.subject IS 'Whom it is about.';
COMMENT ON COLUMN v_access_rule.effect IS 'allow or deny.';
COMMENT ON COLUMN v_access_rule.actions IS 'publish, subscribe and receive, or some of them, with commas between.';
COMMENT ON COLUMN v_access_rule.filter IS 'Topic Filter with placeholders.';
COMMENT ON COLUMN v_access_rule.qos IS 'The highest that is allowed to publish or subscribe with; null for 2.';
COMMENT ON COLUMN v_access_rule.retain IS 'Whether what is published may be retained; null for true.';
COMMENT ON COLUMN v_access_rule.version IS 'Version of the set that its last change made.';
COMMENT ON COLUMN v_access_rule.updated_at IS 'When it was changed last.';
COMMENT ON COLUMN v_access_rule.updated_by IS 'Who changed it last.';

ALTER TABLE will ADD COLUMN requester text;
COMMENT ON COLUMN will.requester IS 'Who brought it, as JSON: user name, groups, claims and rights, by which the rules judge it when it is due. Null for anonymous clients.';
