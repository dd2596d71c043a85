package dev.sluice.access.rule;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Who asks, as JSON without the client id: kept with what is to be judged again when the connection is gone. Stateless. */
public final class RequesterJson {
    private static final ObjectMapper JSON = new ObjectMapper();

    private RequesterJson() {}

    /** Null for somebody of whom nothing is known. */
    public static String write(Requester requester) {
        if (requester.isAnonymous()
                && requester.groups().isEmpty()
                && requester.claims().isEmpty()) return null;
        var json = JSON.createObjectNode();
        json.put("username", requester.username());
        requester.groups().forEach(json.putArray("groups")::add);
        requester.claims().forEach(json.putObject("claims")::put);
        var rights = json.putArray("rights");
        for (var right : requester.rights()) {
            var one = RuleJson.write(right);
            one.remove(List.of("subject", "priority"));
            rights.add(one);
        }
        return json.toString();
    }

    /**
     * Reads what was written; somebody of whom nothing is known where it cannot be read.
     *
     * @param text null for somebody of whom nothing is known
     */
    public static Requester read(String clientId, String text) {
        if (text == null) return new Requester(clientId, "", Set.of(), Map.of(), List.of());
        try {
            var json = JSON.readTree(text);
            var groups = new HashSet<String>();
            json.path("groups").forEach(it -> groups.add(it.asText()));
            var claims = new HashMap<String, String>();
            json.path("claims")
                    .properties()
                    .forEach(it -> claims.put(it.getKey(), it.getValue().asText()));
            return new Requester(
                    clientId, json.path("username").asText(""), groups, claims, rights(json.path("rights")));
        } catch (JsonProcessingException _) {
            return new Requester(clientId, "", Set.of(), Map.of(), List.of());
        }
    }

    private static List<Rule> rights(JsonNode json) {
        try {
            return json.isArray() ? RuleJson.rights(json) : List.of();
        } catch (RuleMistakes _) {
            return List.of();
        }
    }
}
