"""`prorata demo`: the product page's story on real servers, told from what arrives over Kafka."""
