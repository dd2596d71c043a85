package dev.sluice.access.token;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * A token that is good. Immutable.
 *
 * @param issuer that the configuration has for its issuer
 * @param until when it expires, with the issuer's skew
 */
public record VerifiedToken(String issuer, JsonNode claims, Instant until) {
    /** @param name of a claim, or a JSON Pointer to one; the answer is a missing node if there is none */
    public JsonNode claim(String name) {
        var named = claims.get(name);
        if (named != null) return named;
        return name.startsWith("/") ? claims.at(name) : MissingNode.getInstance();
    }

    /** A claim that is a text of at least one character. */
    public String text(String name) throws TokenRefused {
        var claim = claim(name);
        if (!claim.isTextual()
                || claim.textValue().isEmpty()
                || claim.textValue().indexOf('\0') >= 0) throw TokenRefused.bad("its claim " + name + " is no text");
        return claim.textValue();
    }

    /** A claim that is a list of texts, or one text with spaces between them; none if it is missing. */
    public Set<String> texts(String name) throws TokenRefused {
        var claim = claim(name);
        var texts = new LinkedHashSet<String>();
        if (claim.isTextual()) for (var each : claim.textValue().split(" ")) if (!each.isEmpty()) texts.add(each);
        if (claim.isArray())
            for (var each : claim) {
                if (!each.isTextual()) throw TokenRefused.bad("its claim " + name + " has something that is no text");
                texts.add(each.textValue());
            }
        if (!claim.isTextual() && !claim.isArray() && !claim.isMissingNode() && !claim.isNull())
            throw TokenRefused.bad("its claim " + name + " is neither a list nor a text");
        return texts;
    }
}
