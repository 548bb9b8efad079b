// Shows /openapi.json with Swagger UI (see LICENSE); nothing is loaded from elsewhere and nothing is sent to a validator.
SwaggerUIBundle({ url: "/openapi.json", dom_id: "#api", deepLinking: true, validatorUrl: null });
