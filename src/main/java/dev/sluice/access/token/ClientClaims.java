package dev.sluice.access.token;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.access.ClientIdPattern;
import dev.sluice.access.Identity;
import dev.sluice.access.Method;
import dev.sluice.access.rule.Rule;
import dev.sluice.access.rule.RuleJson;
import dev.sluice.access.rule.RuleMistakes;
import dev.sluice.config.TokenIssuerConfig;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** What the claims of one issuer's tokens say of a client. Immutable. */
final class ClientClaims {
    /** As credentials have it. */
    private static final int LONGEST_NAME = 1024;

    private static final String CLAIM = "claim.";

    private final TokenIssuerConfig config;
    private final Optional<ClientIdPattern> pattern;

    /** @throws IllegalArgumentException with a sentence that begins with the key that is wrong */
    ClientClaims(String key, TokenIssuerConfig config) {
        this.config = config;
        this.pattern = config.clientIdPattern().map(text -> pattern(key, text));
    }

    private static ClientIdPattern pattern(String key, String text) {
        try {
            ClientIdPattern.check(text, it -> it.equals(ClientIdPattern.USERNAME) || it.startsWith(CLAIM));
            return new ClientIdPattern(text);
        } catch (IllegalArgumentException mistake) {
            throw new IllegalArgumentException(key + ".client-id-pattern: " + mistake.getMessage());
        }
    }

    Identity identity(VerifiedToken token, String clientId) throws TokenRefused {
        var name = config.usernamePrefix().orElse("") + token.text(config.usernameClaim());
        if (name.length() > LONGEST_NAME)
            throw TokenRefused.bad("its user name has more than " + LONGEST_NAME + " characters");
        requireClientId(token, name, clientId);
        var groups = config.groupsClaim().isPresent()
                ? token.texts(config.groupsClaim().get())
                : Set.<String>of();
        return new Identity(name, groups, claims(token), Method.TOKEN, token.until(), rights(token), limits(token));
    }

    private void requireClientId(VerifiedToken token, String name, String clientId) throws TokenRefused {
        if (config.clientIdClaim().isPresent()
                && !clientId.equals(token.text(config.clientIdClaim().get())))
            throw TokenRefused.notForThis("its claim " + config.clientIdClaim().get() + " names another client");
        if (pattern.isPresent() && !pattern.get().matches(clientId, it -> value(token, name, it)))
            throw TokenRefused.notForThis(
                    "the client id is not as " + config.clientIdPattern().get() + " of its issuer asks");
    }

    /** Null if there is none. */
    private static String value(VerifiedToken token, String name, String placeholder) {
        if (placeholder.equals(ClientIdPattern.USERNAME)) return name;
        return placeholder.startsWith(CLAIM) ? scalar(token.claim(placeholder.substring(CLAIM.length()))) : null;
    }

    private static String scalar(JsonNode claim) {
        return claim.isTextual() || claim.isNumber() || claim.isBoolean() ? claim.asText() : null;
    }

    private Map<String, String> claims(VerifiedToken token) {
        var claims = new HashMap<String, String>();
        for (var name : config.claims().orElse(List.of())) {
            var value = scalar(token.claim(name));
            if (value != null) claims.put(name, value);
        }
        return claims;
    }

    private List<Rule> rights(VerifiedToken token) throws TokenRefused {
        var claim = config.rightsClaim().map(token::claim);
        if (claim.isEmpty() || claim.get().isMissingNode()) return List.of();
        try {
            return RuleJson.rights(claim.get());
        } catch (RuleMistakes wrong) {
            throw TokenRefused.bad("its claim " + config.rightsClaim().get() + " is wrong: " + wrong.getMessage());
        }
    }

    private Map<String, Long> limits(VerifiedToken token) throws TokenRefused {
        var claim = config.limitsClaim().map(token::claim);
        var limits = new HashMap<String, Long>();
        if (claim.isEmpty() || claim.get().isMissingNode()) return limits;
        if (!claim.get().isObject())
            throw TokenRefused.bad("its claim " + config.limitsClaim().get() + " is no object");
        for (var limit : claim.get().properties()) {
            if (!limit.getValue().canConvertToLong()
                    || !limit.getValue().isIntegralNumber()
                    || limit.getValue().longValue() < 0)
                throw TokenRefused.bad("its limit " + limit.getKey() + " is no whole number from 0 on");
            limits.put(limit.getKey(), limit.getValue().longValue());
        }
        return limits;
    }
}
