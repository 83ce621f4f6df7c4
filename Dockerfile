# A function of AWS Lambda as an image, the second way beside the folders of `npm run pack`: for models that fit no zip.
#   npm run pack -- --arch x64 --backend milvus --role query
#   docker build --platform linux/amd64 --build-arg BUNDLE=.cache/pack/x64/query-milvus -t nearsight-query .
FROM public.ecr.aws/lambda/nodejs:24
ARG BUNDLE
COPY ${BUNDLE} ${LAMBDA_TASK_ROOT}
CMD ["index.handler"]
