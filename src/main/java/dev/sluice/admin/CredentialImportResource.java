package dev.sluice.admin;

import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.credential.CredentialImport;
import io.smallrye.common.annotation.RunOnVirtualThread;
import io.vertx.core.http.HttpServerRequest;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.security.SecurityRequirement;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;

/** Takes many credentials at once. Each request on a virtual thread of its own. */
@Path("/credentials")
@Administers
@RunOnVirtualThread
@SecurityRequirement(name = "token")
@Tag(name = "Credentials")
@Produces({MediaType.APPLICATION_JSON, Problem.MEDIA_TYPE})
class CredentialImportResource {
    private static final String DESCRIPTION = """
        The columns are `username` and, in any order and as far as wanted, `password`, `hash`, `scheme`, `groups` (with spaces or commas between), `limits` (such as `messages-in=100`, with spaces or commas between), \
        `client_id_pattern`, `valid_from`, `valid_until` and `disabled`. For a line with neither a password nor a hash, the gateway makes a \
        machine token. Passwords are hashed one after the other: import hashes where there are thousands. Nothing is written unless every \
        line is right.\
        """;
    private static final String EXISTING =
            "What happens to user names that have a credential already: refuse the whole import, skip them, or replace"
                    + " theirs";
    private static final String REFUSE = "refuse";
    private static final String SKIP = "skip";
    private static final String REPLACE = "replace";
    private static final int BAD_REQUEST = 400;
    private static final int CONFLICT = 409;
    private static final int UNAVAILABLE = 503;
    private static final int SHOWN = 10;

    private final CredentialImport store;
    private final CredentialCsv csv;

    CredentialImportResource(CredentialImport store, CredentialCsv csv) {
        this.store = store;
        this.csv = csv;
    }

    @POST
    @Consumes("text/csv")
    @Operation(
            operationId = "importCredentials",
            summary = "Create many credentials, of lines of CSV with a heading",
            description = DESCRIPTION)
    @APIResponse(
            responseCode = "200",
            description = "Imported",
            content = @Content(schema = @Schema(implementation = CredentialAnswers.Imported.class)))
    @APIResponse(
            responseCode = "4XX",
            description = "What was wrong with the request; nothing has changed",
            content =
                    @Content(mediaType = Problem.MEDIA_TYPE, schema = @Schema(implementation = Problem.Document.class)))
    public Response load(
            @Parameter(description = EXISTING) @QueryParam("existing") @DefaultValue(REFUSE) String existing,
            @Parameter(description = Actor.MEANING) @HeaderParam(Actor.HEADER) String actor,
            @Context HttpServerRequest request,
            byte[] body) {
        if (!List.of(REFUSE, SKIP, REPLACE).contains(existing))
            throw Problem.of(BAD_REQUEST, "existing is \"" + existing + "\", not refuse, skip or replace");
        var by = Actor.of(actor, request);
        var lines = csv.read(body);
        var there = existing.equals(REPLACE) ? List.<String>of() : there(lines);
        if (existing.equals(REFUSE) && !there.isEmpty())
            throw Problem.of(
                    CONFLICT,
                    there.size() + " of these user names have a credential already, such as "
                            + String.join(", ", there.subList(0, Math.min(SHOWN, there.size())))
                            + "; nothing has changed: add existing=skip or existing=replace");
        var wanted = new ArrayList<>(lines);
        var known = new HashSet<>(there);
        wanted.removeIf(it -> known.contains(it.username()));
        return Response.ok(write(by, wanted, lines.size(), existing.equals(REPLACE)))
                .build();
    }

    private List<String> there(List<CredentialCsv.Line> lines) {
        var found = new ArrayList<String>();
        for (int i = 0; i < lines.size(); i += CredentialImport.BATCH)
            found.addAll(store.existing(
                    batch(lines, i).stream().map(CredentialCsv.Line::username).toList()));
        return found;
    }

    private static <T> List<T> batch(List<T> all, int from) {
        return all.subList(from, Math.min(all.size(), from + CredentialImport.BATCH));
    }

    private CredentialAnswers.Imported write(String actor, List<CredentialCsv.Line> lines, int inAll, boolean replace) {
        var imported = 0;
        var tokens = new ArrayList<CredentialAnswers.Token>();
        for (int i = 0; i < lines.size(); i += CredentialImport.BATCH) {
            var batch = batch(lines, i);
            var secrets = batch.stream().map(csv::secret).toList();
            var rows = new ArrayList<CredentialImport.Row>();
            for (int k = 0; k < batch.size(); k++)
                rows.add(new CredentialImport.Row(
                        batch.get(k).username(),
                        secrets.get(k).hash(),
                        batch.get(k).settings()));
            var written = written(actor, rows, replace, imported);
            imported += written.size();
            for (int k = 0; k < batch.size(); k++) {
                var token = secrets.get(k).token();
                if (token != null && written.contains(batch.get(k).username()))
                    tokens.add(new CredentialAnswers.Token(batch.get(k).username(), token));
            }
        }
        return new CredentialAnswers.Imported(imported, inAll - imported, tokens);
    }

    /** Tokens of an import that fails half way are lost: it has to be repeated with existing=replace. */
    private Set<String> written(String actor, List<CredentialImport.Row> rows, boolean replace, int before) {
        try {
            return store.write(actor, rows, replace);
        } catch (StoreUnavailable away) {
            throw Problem.of(
                    UNAVAILABLE,
                    away.getMessage() + ". The first " + before
                            + " lines are imported, and the others are not: repeat the import with existing=replace");
        }
    }
}
