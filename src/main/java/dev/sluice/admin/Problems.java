package dev.sluice.admin;

import dev.sluice.store.StoreUnavailable;
import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.core.Response;
import org.jboss.logging.Logger;
import org.jboss.resteasy.reactive.server.ServerExceptionMapper;

/** Makes an answer of whatever a request ends with. Stateless. */
final class Problems {
    private static final Logger LOG = Logger.getLogger(Problems.class);
    private static final int UNAVAILABLE = 503;
    private static final int BROKEN = 500;

    @ServerExceptionMapper
    Response failed(Problem problem) {
        return problem.response();
    }

    @ServerExceptionMapper
    Response unavailable(StoreUnavailable away) {
        var what = away.isInDoubt()
                ? ". A change may have been made, or not: GET it before you try again"
                : ". Nothing has changed; try again";
        return Problem.of(UNAVAILABLE, away.getMessage() + what).response();
    }

    /** Answers mistakes that JAX-RS finds: an unknown path, method or media type. */
    @ServerExceptionMapper
    Response refused(WebApplicationException refused) {
        var answer = Problem.of(refused.getResponse().getStatus(), refused.getMessage())
                .response();
        var allowed = refused.getResponse().getHeaderString("Allow");
        return allowed == null
                ? answer
                : Response.fromResponse(answer).header("Allow", allowed).build();
    }

    @ServerExceptionMapper
    Response broken(Exception failure) {
        LOG.error("a request to the admin API failed", failure);
        return Problem.of(BROKEN, "the gateway failed; its log says how").response();
    }
}
