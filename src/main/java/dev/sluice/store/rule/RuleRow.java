package dev.sluice.store.rule;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;

/** A row of {@code access_rule}; confined to its transaction. Triggers write the version, and who made it and when. */
@Entity
@Table(name = "access_rule")
class RuleRow {
    @Id
    String name;

    String subject;
    String effect;
    String actions;
    String filter;
    Short qos;
    Boolean retain;
    int priority;

    @Column(insertable = false, updatable = false)
    long version;

    @Column(name = "updated_at", insertable = false, updatable = false)
    Instant updatedAt;

    @Column(name = "updated_by", insertable = false, updatable = false)
    String updatedBy;

    /** As a rule is written, with whatever an operator's SQL has put there. */
    ObjectNode spec() {
        var spec = JsonNodeFactory.instance.objectNode();
        spec.put("subject", subject);
        spec.put("effect", effect);
        var list = spec.putArray("actions");
        for (var action : actions.split(",")) list.add(action);
        spec.put("filter", filter);
        if (qos != null) spec.put("qos", qos.intValue());
        if (retain != null) spec.put("retain", retain);
        spec.put("priority", priority);
        return spec;
    }

    /** @param spec of a rule without a mistake, with all fields that say something */
    void set(ObjectNode spec) {
        subject = spec.get("subject").textValue();
        effect = spec.get("effect").textValue();
        var names = new StringBuilder();
        spec.get("actions")
                .forEach(it -> names.append(names.isEmpty() ? "" : ",").append(it.textValue()));
        actions = names.toString();
        filter = spec.get("filter").textValue();
        qos = spec.has("qos") ? (short) spec.get("qos").intValue() : null;
        retain = spec.has("retain") ? spec.get("retain").booleanValue() : null;
        priority = spec.get("priority").intValue();
    }
}
