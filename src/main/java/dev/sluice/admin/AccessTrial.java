package dev.sluice.admin;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.access.rule.Permission;
import dev.sluice.access.rule.Requester;
import dev.sluice.access.rule.Rights;
import dev.sluice.access.rule.RuleJson;
import dev.sluice.access.rule.RuleMistakes;
import dev.sluice.access.rule.Rules;
import dev.sluice.packet.QoS;
import dev.sluice.topic.TopicFilter;
import dev.sluice.topic.TopicName;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.eclipse.microprofile.openapi.annotations.media.Schema;

/** A question to the rules, and its answer. Stateless. */
final class AccessTrial {
    private static final int UNPROCESSABLE = 422;

    private AccessTrial() {}

    /** What is asked. */
    @Schema(name = "AccessQuestion", description = "May this identity do that?")
    record Question(
            @Schema(required = true, examples = "truck-7") String clientId,

            @Schema(description = "The authenticated user name; anonymous without")
            String username,

            Set<String> groups,

            Map<String, String> claims,

            @Schema(description = "What a token brings: rules without subject and priority")
            JsonNode rights,

            @Schema(
                    required = true,
                    enumeration = {"publish", "subscribe", "receive"})
            String action,

            @Schema(
                    required = true,
                    description = "A Topic Name; to subscribe, a Topic Filter",
                    examples = "fleet/truck-7/#")
            String topic,

            @Schema(description = "0, 1 or 2; 0 without") Integer qos,

            @Schema(description = "Whether what is published is to be retained")
            Boolean retain) {
        Answer answer(Rules rules, boolean enforced) {
            if (clientId == null || clientId.isEmpty()) throw wrong("clientId", "is required");
            if (topic == null || topic.isEmpty()) throw wrong("topic", "is required");
            if (qos != null && (qos < 0 || qos > 2)) throw wrong("qos", "is not 0, 1 or 2");
            var asked = QoS.values()[qos == null ? 0 : qos];
            var rights = rules.of(requester());
            return switch (action == null ? "" : action) {
                case "publish" -> publish(rights, asked, enforced);
                case "subscribe" -> {
                    TopicFilter.mistake(topic).ifPresent(it -> {
                        throw wrong("topic", it);
                    });
                    yield Answer.of(rights.explain(TopicFilter.of(topic), asked), enforced);
                }
                case "receive" -> Answer.of(rights.receive(name()).verdict(QoS.AT_MOST_ONCE, false), enforced);
                default -> throw wrong("action", "is not publish, subscribe or receive");
            };
        }

        private Answer publish(Rights rights, QoS asked, boolean enforced) {
            if (name().isServers()) return new Answer(false, null, null, TopicName.SERVERS_OWN, enforced);
            return Answer.of(rights.publish(name()).verdict(asked, retain != null && retain), enforced);
        }

        private TopicName name() {
            if (topic.indexOf('+') >= 0 || topic.indexOf('#') >= 0)
                throw wrong("topic", "is a Topic Name, which has no wildcard");
            return TopicName.of(topic);
        }

        private Requester requester() {
            try {
                return new Requester(
                        clientId,
                        username == null ? "" : username,
                        groups == null ? Set.of() : groups,
                        claims == null ? Map.of() : claims,
                        rights == null || rights.isNull() ? List.of() : RuleJson.rights(rights));
            } catch (RuleMistakes mistakes) {
                throw Problem.of(UNPROCESSABLE, "the rights are wrong", RuleAnswers.mistakes(mistakes, null));
            }
        }

        private static Problem wrong(String field, String sentence) {
            return Problem.of(
                    UNPROCESSABLE, "this is not a question", List.of(new Problem.Mistake("/" + field, null, sentence)));
        }
    }

    /** What the rules say. */
    @Schema(name = "AccessAnswer")
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Answer(
            boolean allowed,

            @Schema(description = "The highest QoS that is allowed; a subscription gets at most this")
            Integer qos,

            @Schema(
                    description =
                            "The rule that decides; none if no rule names it, or if several allow a subscription together")
            String rule,

            @Schema(description = "The same in words") String why,

            @Schema(
                    description =
                            "False if sluice.access.authorization is off, so that everything is allowed all the same")
            boolean enforced) {
        static Answer of(Permission permission, boolean enforced) {
            var rule = permission.rule();
            return new Answer(
                    permission.isAllowed(),
                    permission.isAllowed() ? permission.qos().ordinal() : null,
                    rule == null ? null : rule.name(),
                    permission.sentence(),
                    enforced);
        }
    }
}
