package dev.sluice.admin;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.store.audit.AuditLog;
import dev.sluice.store.credential.StoredCredential;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.eclipse.microprofile.openapi.annotations.media.Schema;

/** The answers of the API about credentials and the account of changes, and how they are made. Stateless. */
final class CredentialAnswers {
    private CredentialAnswers() {}

    @Schema(name = "Credential", description = "A credential, without its secret")
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Entry(
            String username,

            @Schema(description = "How its secret is hashed")
            String scheme,

            @Schema(
                    description =
                            "Whether it may be used now; if not, why: revoked, disabled, not-yet-valid or expired")
            String state,

            String clientIdPattern,
            List<String> groups,

            @Schema(description = "Missing if it has none of its own")
            Map<String, Long> limits,

            Instant validFrom,
            Instant validUntil,
            boolean disabled,

            @Schema(description = "Since when nobody may use it, until it gets a new secret")
            Instant revokedAt,

            @Schema(description = "When it got its secret") Instant secretAt,

            @Schema(description = "Goes up with each change")
            long version,

            Instant updatedAt,
            String updatedBy) {
        String tag() {
            return Precondition.tag(version);
        }
    }

    @Schema(name = "CredentialChanged", description = "A change, which every gateway knows of within a second")
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Changed(
            @Schema(description = "As it is now; missing if it was deleted")
            Entry credential,

            @Schema(description = "The machine token that the gateway has made; it cannot be read again")
            String token) {}

    @Schema(name = "Credentials", description = "A page of credentials, in the order of user names")
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Page(
            List<Entry> credentials,

            @Schema(description = "For the parameter after of the next page; missing on the last one")
            String next) {}

    @Schema(name = "CredentialsImported")
    record Imported(
            @Schema(description = "Credentials that were written")
            int imported,

            @Schema(description = "Credentials that were there already, and stay as they are")
            int skipped,

            @Schema(description = "The machine tokens that the gateway has made; they cannot be read again")
            List<Token> tokens) {}

    @Schema(name = "ImportedToken")
    record Token(String username, String token) {}

    @Schema(name = "Audit", description = "Changes, the latest first")
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Audit(
            List<Change> changes,

            @Schema(description = "For the parameter before of the next page; missing on the last one")
            Long next) {}

    @Schema(name = "AuditEntry", description = "One change of one object")
    record Change(
            long id,
            Instant at,

            @Schema(description = "Who did it: X-Sluice-Actor, else the address of the caller, else the database user")
            String actor,

            @Schema(enumeration = {"create", "change", "delete", "refuse"})
            String action,

            @Schema(description = "Kind and name", examples = "credential/truck-7")
            String object,

            @Schema(implementation = Object.class, nullable = true, description = "null where there was none")
            JsonNode before,

            @Schema(implementation = Object.class, nullable = true, description = "null if there is none any more")
            JsonNode after) {}

    static Entry entry(StoredCredential credential) {
        var settings = credential.settings();
        var why = credential.why(Instant.now());
        return new Entry(
                credential.username(),
                credential.scheme(),
                why == null ? "usable" : why,
                settings.clientIdPattern(),
                List.copyOf(settings.groups()),
                settings.limits().isEmpty() ? null : settings.limits(),
                settings.validFrom(),
                settings.validUntil(),
                settings.disabled(),
                credential.revokedAt(),
                credential.secretAt(),
                credential.version(),
                credential.updatedAt(),
                credential.updatedBy());
    }

    static Change change(AuditLog.Entry entry) {
        return new Change(
                entry.id(),
                entry.at(),
                entry.actor(),
                entry.action(),
                entry.object(),
                entry.before() == null ? null : Json.tree(entry.before()),
                entry.after() == null ? null : Json.tree(entry.after()));
    }
}
