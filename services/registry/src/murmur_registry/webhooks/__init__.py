"""Registry events for those who do not listen to Kafka: signed HTTP requests, durable, tried again, with a history."""
