package dev.sluice.admin;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.access.ClientIdPattern;
import dev.sluice.access.limit.LimitPlan;
import dev.sluice.access.secret.Scheme;
import dev.sluice.store.credential.StoredCredential.Settings;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.eclipse.microprofile.openapi.annotations.media.Schema;

/** The bodies of requests about credentials, and what is checked of them. */
final class CredentialRequest {
    private static final Pattern GROUP = Pattern.compile("[A-Za-z0-9_.:-]{1,256}");
    private static final int MOST_GROUP_CHARACTERS = 4096;
    private static final int LONGEST = 1024;
    private static final int UNPROCESSABLE = 422;

    private CredentialRequest() {}

    @Schema(
            name = "NewSecret",
            description = "A new secret: a password, or one that was hashed before; without either, the gateway makes a"
                    + " machine token")
    record NewSecret(
            @Schema(description = "To be hashed; UTF-8, at most 1024 bytes")
            String password,

            @Schema(
                    description = "How; without it, as sluice.access.password.scheme says",
                    enumeration = {
                        "argon2id",
                        "bcrypt",
                        "pbkdf2-sha256",
                        "pbkdf2-sha512",
                        "scram-sha-256",
                        "scram-sha-512"
                    })
            String scheme,

            @Schema(
                    description = "Hashed before: $argon2id$..., $2b$..., $pbkdf2-sha256$..., $token$..., or"
                            + " SCRAM-SHA-256$... as PostgreSQL writes it")
            String hash) {}

    @Schema(
            name = "CredentialSettings",
            description = "What is said of a credential besides its secret; what is left out is none")
    record Body(
            @Schema(
                    description =
                            "Client ids that may use it: * stands for any characters, {username} for the user name",
                    examples = "{username}-*")
            String clientIdPattern,

            @Schema(examples = "[\"drivers\"]") List<String> groups,

            @Schema(
                    description = "Limits of each of its clients by name; with identity. before it, of all together",
                    implementation = Object.class,
                    examples = "{\"messages-in\": 100, \"identity.connections\": 3}")
            Map<String, JsonNode> limits,

            @Schema(description = "RFC 3339") String validFrom,

            @Schema(description = "RFC 3339; connections end then, too")
            String validUntil,

            Boolean disabled) {}

    @Schema(name = "NewCredential", description = "A credential with its secret")
    record New(
            @Schema(required = true, examples = "truck-7") String username,
            String password,
            String scheme,
            String hash,
            String clientIdPattern,
            List<String> groups,

            @Schema(implementation = Object.class) Map<String, JsonNode> limits,

            String validFrom,
            String validUntil,
            Boolean disabled) {
        NewSecret secret() {
            return new NewSecret(password, scheme, hash);
        }

        Body settings() {
            return new Body(clientIdPattern, groups, limits, validFrom, validUntil, disabled);
        }
    }

    /** Collects the mistakes of one request or line, each with its place. */
    static final class Checks {
        private final List<Problem.Mistake> mistakes = new ArrayList<>();

        void wrong(String pointer, String sentence) {
            mistakes.add(new Problem.Mistake(pointer, null, sentence));
        }

        List<Problem.Mistake> mistakes() {
            return mistakes;
        }

        void end() {
            if (!mistakes.isEmpty())
                throw Problem.of(UNPROCESSABLE, "the credential is wrong; nothing has changed", mistakes);
        }

        void username(String name) {
            if (name == null || name.isEmpty()) wrong("/username", "is missing");
            else if (name.length() > LONGEST || name.getBytes(StandardCharsets.UTF_8).length > LONGEST)
                wrong("/username", "has more than " + LONGEST + " bytes");
            else if (name.chars()
                    .anyMatch(it -> Character.isISOControl(it) || Character.isSurrogate((char) it) && !isPaired(name)))
                wrong("/username", "has a control character, which MQTT does not allow");
        }

        private static boolean isPaired(String text) {
            return StandardCharsets.UTF_8.newEncoder().canEncode(text);
        }

        Settings settings(Body body) {
            if (body.clientIdPattern != null) pattern(body.clientIdPattern);
            var groups = new LinkedHashSet<String>();
            if (body.groups != null)
                for (int i = 0; i < body.groups.size(); i++) {
                    var group = body.groups.get(i);
                    if (group == null || !GROUP.matcher(group).matches())
                        wrong("/groups/" + i, "is not a name of letters, digits and _ . : -");
                    else groups.add(group);
                }
            if (String.join(",", groups).length() > MOST_GROUP_CHARACTERS)
                wrong("/groups", "have more than " + MOST_GROUP_CHARACTERS + " characters together");
            var from = time("/validFrom", body.validFrom);
            var until = time("/validUntil", body.validUntil);
            if (from != null && until != null && !until.isAfter(from)) wrong("/validUntil", "is not after validFrom");
            return new Settings(
                    body.clientIdPattern, groups, limits(body.limits), from, until, Boolean.TRUE.equals(body.disabled));
        }

        private Map<String, Long> limits(Map<String, JsonNode> given) {
            var limits = new TreeMap<String, Long>();
            if (given == null) return limits;
            given.forEach((name, value) -> {
                var mistake = value.isIntegralNumber() && value.canConvertToLong()
                        ? LimitPlan.mistake(name, value.longValue())
                        : "is no whole number";
                if (mistake == null) limits.put(name, value.longValue());
                else wrong("/limits/" + name, mistake);
            });
            return limits;
        }

        private void pattern(String pattern) {
            try {
                ClientIdPattern.check(pattern, ClientIdPattern.USERNAME::equals);
                if (pattern.length() > LONGEST) wrong("/clientIdPattern", "has more than " + LONGEST + " characters");
            } catch (IllegalArgumentException wrong) {
                wrong("/clientIdPattern", wrong.getMessage());
            }
        }

        private Instant time(String pointer, String text) {
            if (text == null) return null;
            try {
                return Instant.parse(text);
            } catch (DateTimeParseException _) {
                wrong(pointer, "\"" + text + "\" is not a time such as 2027-01-31T00:00:00Z");
                return null;
            }
        }

        Scheme scheme(String text) {
            if (text == null) return null;
            try {
                return Scheme.of(text);
            } catch (IllegalArgumentException wrong) {
                wrong("/scheme", wrong.getMessage());
                return null;
            }
        }
    }
}
