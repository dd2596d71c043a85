package dev.sluice.access.rule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.packet.QoS;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class RuleJsonTest {
    private static JsonNode json(String text) {
        try {
            return new ObjectMapper().readTree(text.replace('\'', '"'));
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(e);
        }
    }

    @Test
    void aRuleIsReadAndWritten() {
        var text = "{'subject':'claim:tenant=acme','effect':'allow','actions':['publish','subscribe'],"
                + "'filter':'t/{claim.tenant}/#','qos':1,'retain':false,'priority':-3}";
        var rule = RuleJson.rules(json("{'one':" + text + "}")).getFirst();
        assertThat(rule.subject()).isEqualTo(Subject.claim("tenant", "acme"));
        assertThat(rule.highestQoS()).isEqualTo(QoS.AT_LEAST_ONCE);
        assertThat(rule.retain()).isFalse();
        assertThat(rule.priority()).isEqualTo(-3);
        assertThat(RuleJson.write(rule)).isEqualTo(json(text));
    }

    @Test
    void everyMistakeIsNamedWithItsRuleAndField() {
        var wrong =
                "{'one':{'subject':'usr:bob','effect':'maybe','actions':['publish','write'],'filter':'a/#/b','qos':3,"
                        + "'retain':'no','priority':1.5,'acces':1},"
                        + "'two':{},'t wo':{'subject':'all','effect':'deny','actions':'publish','filter':'{clientid}'},"
                        + "'deny':{'subject':'all','effect':'deny','actions':'publish','filter':'a','qos':1},"
                        + "'receive':{'subject':'all','effect':'allow','actions':'receive','filter':'$share/g/a','retain':true},"
                        + "'ambiguous':{'subject':'all','effect':'allow','actions':'receive','filter':'{username}-{clientId}'}}";
        assertThatThrownBy(() -> RuleJson.rules(json(wrong)))
                .isInstanceOf(RuleMistakes.class)
                .hasMessageContaining("rule one, subject: is \"usr:bob\", but may be all, anonymous, user:<name>")
                .hasMessageContaining("rule one, effect: is \"maybe\", but may be allow or deny")
                .hasMessageContaining("rule one, actions: has \"write\", but may have publish")
                .hasMessageContaining("rule one, filter: \"a/#/b\" has a # that is not the last level")
                .hasMessageContaining("rule one, qos: is not a number from 0 to 2")
                .hasMessageContaining("rule one, retain: is not true or false")
                .hasMessageContaining("rule one, priority: is not a number from -1000000 to 1000000")
                .hasMessageContaining("rule one, acces: is not a field of a rule; the fields are subject, effect")
                .hasMessageContaining("rule two, filter: is required")
                .hasMessageContaining("rule two, actions: must be one or several of publish, subscribe and receive")
                .hasMessageContaining("rule t wo: has a name that is not made of 1 to 255 letters")
                .hasMessageContaining(
                        "rule t wo, filter: has the level \"{clientid}\", in which braces may stand around")
                .hasMessageContaining("rule deny, qos: means something only of a rule that allows")
                .hasMessageContaining("rule receive, filter: begins with $share/: leave that")
                .hasMessageContaining(
                        "rule ambiguous, filter: has the level \"{username}-{clientId}\" with two placeholders");
    }

    @Test
    void theRightsOfATokenHaveNeitherSubjectNorPriority() {
        var right = RuleJson.rights(json("[{'effect':'allow','actions':'publish','filter':'mine/#'}]"))
                .getFirst();
        assertThat(right.name()).isEqualTo("token-1");
        assertThat(right.subject()).isEqualTo(Subject.ALL);
        assertThat(right.priority()).isZero();
        assertThatThrownBy(() -> RuleJson.rights(
                        json("[{'effect':'allow','actions':'publish','filter':'a','priority':9,'subject':'all'}]")))
                .hasMessageContaining("rule token-1, priority: cannot be said by a token")
                .hasMessageContaining("rule token-1, subject: cannot be said by a token");
    }

    @Test
    void whoAsksComesBackAsHeWas() {
        var rights = RuleJson.rights(json("[{'effect':'allow','actions':'publish','filter':'mine/#','qos':1}]"));
        var requester = new Requester("c", "ann", Set.of("a", "b"), Map.of("tenant", "acme"), rights);
        assertThat(RequesterJson.read("c", RequesterJson.write(requester))).isEqualTo(requester);
        var nobody = new Requester("c", "", Set.of(), Map.of(), List.of());
        assertThat(RequesterJson.write(nobody)).isNull();
        assertThat(RequesterJson.read("c", null)).isEqualTo(nobody);
        assertThat(RequesterJson.read("c", "ann")).isEqualTo(nobody);
    }
}
